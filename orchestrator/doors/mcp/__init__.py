"""The MCP door: other programs' language models use the hub's functions as tools."""
