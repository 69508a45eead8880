"""`moka doctor`: what this machine has, who listens, whether Archer is well."""
