"""From the tables of an older hub to those of this one, each step in one transaction."""
