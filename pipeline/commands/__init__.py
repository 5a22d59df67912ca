"""One file per command of `triptych`; `pipeline.cli` loads the one that is called."""
