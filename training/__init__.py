"""Floor 2: how anything is trained: stream, address, mixture, engine, loop, checkpoint, resume."""
