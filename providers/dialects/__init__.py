"""One module per wire format: `encode(request, quirks)` and `decoder(quirks)`.

Pure: no I/O, no clock, no Django. Vendors choose a dialect; dialects know no vendor.
"""
