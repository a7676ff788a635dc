"""Pure code, one module or package per standard: values in, values out; no sockets, no files, no clock."""
