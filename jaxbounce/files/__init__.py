"""Files: tables that configure a point, a potential, a wall or a scan; results written whole."""
