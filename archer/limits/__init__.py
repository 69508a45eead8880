"""How much a caller, a tenant and a queue may ask for at once; asked before anything is stored."""
