"""What the engine means: pure values and functions, no Flask, database, clock or network."""
