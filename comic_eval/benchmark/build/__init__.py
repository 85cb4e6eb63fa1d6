"""Makes a benchmark of annotated pages: sources, one module a task, and the assembly."""
