"""The program `occi`: the options, output and messages of the client that FedCloud's users know, on our own SDK."""
