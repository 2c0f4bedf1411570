"""How much is read of a document. The child process reads these, too."""

MAX_CHARS = 1_000_000  # of text; what is behind is left out, and that is said
MAX_PAGES = 3_000
MAX_UNPACKED = 300_000_000  # bytes of all members of a packed document
MAX_MEMBERS = 20_000
MAX_MEMORY = 1_500_000_000  # bytes of address space
MAX_CPU_S = 40
MAX_WALL_S = 60.0
