"""Files and hub data sets to examples: formats, layouts, labels, carved dev sets."""
