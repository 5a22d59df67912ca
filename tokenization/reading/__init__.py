"""Documents out of files: which files, in which format, cut into addressed blocks."""
