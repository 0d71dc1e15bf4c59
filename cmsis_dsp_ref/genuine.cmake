# Genuine CMSIS-DSP, of what the frontend calls, as the target genuine_cmsis_dsp.
#
# CMSIS_DSP is a folder with Include and Source: of the CMSIS-DSP repository, of CMSIS 5's
# CMSIS/DSP, of a vendor's Drivers/CMSIS/DSP, or of the unpacked source distribution `cmsisdsp`.
# Tables are the frontend's own: upstream's initialisers and tables stay out.
set(GENUINE_NAMES arm_rfft_q31 arm_cfft_q31 arm_cfft_radix4_q31 arm_bitreversal2 arm_shift_q31)
set(GENUINE_SOURCES "")
foreach(NAME ${GENUINE_NAMES})
  file(GLOB FOUND ${CMSIS_DSP}/Source/*/${NAME}.c ${CMSIS_DSP}/Source/*/${NAME}.S)
  if(NOT FOUND)
    message(FATAL_ERROR "CMSIS_DSP=${CMSIS_DSP} has no Source/*/${NAME}.c: "
                        "name the folder of CMSIS-DSP that holds Include and Source")
  endif()
  list(APPEND GENUINE_SOURCES ${FOUND})
endforeach()
if(GENUINE_SOURCES MATCHES "\\.S(;|$)")
  enable_language(ASM)
endif()

add_library(genuine_cmsis_dsp STATIC ${GENUINE_SOURCES})
target_include_directories(genuine_cmsis_dsp PRIVATE ${CMSIS_DSP}/Include
                           ${CMSIS_DSP}/PrivateInclude)
target_compile_options(genuine_cmsis_dsp PRIVATE -O2 -g -ffunction-sections -fdata-sections -w
                       ${BOARD_FLAGS})

# CMSIS-Core, where the tree around it has one; without it upstream's own way to do without.
get_filename_component(AROUND ${CMSIS_DSP} DIRECTORY)
find_path(CMSIS_CORE cmsis_compiler.h NO_CACHE NO_DEFAULT_PATH
          HINTS ${CMSIS_DSP}/Include ${AROUND}/Core/Include ${AROUND}/Include
                ${AROUND}/CMSIS/Core/Include)
if(BOARD AND CMSIS_CORE)
  target_include_directories(genuine_cmsis_dsp PRIVATE ${CMSIS_CORE})
else()
  target_compile_definitions(genuine_cmsis_dsp PRIVATE __GNUC_PYTHON__)
endif()
