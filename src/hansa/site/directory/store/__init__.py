"""Tables and queries of the directory, by what they are about. Functions on a Connection; rules are the services' business."""
