"""What the stages leave behind: directories of files with a manifest, written whole or not at all."""
