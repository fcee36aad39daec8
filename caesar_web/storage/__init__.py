"""Where finished exports are kept, and how they are written: a folder, or a bucket."""
