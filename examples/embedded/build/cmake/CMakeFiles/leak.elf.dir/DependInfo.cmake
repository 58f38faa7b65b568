
# Consider dependencies only in project.
set(CMAKE_DEPENDS_IN_PROJECT_ONLY OFF)

# The set of languages for which implicit dependencies are needed:
set(CMAKE_DEPENDS_LANGUAGES
  )

# The set of dependency files which are needed:
set(CMAKE_DEPENDS_DEPENDENCY_FILES
  "/work/w/chip/examples/embedded/cortex-m3.c" "CMakeFiles/leak.elf.dir/cortex-m3.c.obj" "gcc" "CMakeFiles/leak.elf.dir/cortex-m3.c.obj.d"
  "/work/w/chip/examples/embedded/leak.c" "CMakeFiles/leak.elf.dir/leak.c.obj" "gcc" "CMakeFiles/leak.elf.dir/leak.c.obj.d"
  )

# Targets to which this target links.
set(CMAKE_TARGET_LINKED_INFO_FILES
  )

# Fortran module output directory.
set(CMAKE_Fortran_TARGET_MODULE_DIR "")
