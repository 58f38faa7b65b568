# Empty compiler generated dependencies file for leak.elf.
# This may be replaced when dependencies are built.
