"""Tables of the embedded cloud and the queries on them: plain functions on a `Connection`, nothing else sees rows."""
