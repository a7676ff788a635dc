"""The commands users already know: occi, voms-proxy-init, voms-proxy-info, voms-proxy-destroy."""
