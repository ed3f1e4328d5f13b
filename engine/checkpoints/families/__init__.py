"""Model families, one file each: how a file shows that it holds one, and its sizes, read from shapes."""
