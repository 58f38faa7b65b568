# SPDX-License-Identifier: GPL-3.0-or-later
# The compiler for a Cortex-M3.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m3 -mthumb")
# Programs for a chip can't be linked without the chip's script.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
