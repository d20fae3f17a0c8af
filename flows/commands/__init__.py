"""The commands, one module for each kind; `flows.cli` puts them together."""
