# How every target of the project is declared: the language level, the warnings, the precompiled header.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(REPRISE_CCACHE ccache)
if(REPRISE_CCACHE)
  # PCHs are found by ccache only when it may trust their time stamps and defines.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${REPRISE_CCACHE})
endif()
find_program(REPRISE_MOLD mold)
if(REPRISE_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()

if(CMAKE_CXX_CLANG_TIDY)
  list(GET CMAKE_CXX_CLANG_TIDY 0 tidy_program)
  find_program(REPRISE_TIDY ${tidy_program})
  if(NOT REPRISE_TIDY)
    message(FATAL_ERROR "${tidy_program} is not installed: apt-get install ${tidy_program}")
  endif()
endif()

# CMAKE_UNITY_BUILD puts the files of a target together: half of what a file costs is templates of libtorch's and JSON's
# headers, instantiated again in every file. GCC then takes a type of one file's anonymous namespace for a header's.
if(CMAKE_UNITY_BUILD)
  add_compile_options(-Wno-subobject-linkage)
endif()

add_library(reprise_options INTERFACE)
target_compile_options(reprise_options INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
                       $<$<BOOL:${REPRISE_WERROR}>:-Werror>)
target_include_directories(reprise_options INTERFACE "${CMAKE_SOURCE_DIR}")

# reprise_library(NAME [TORCH] SOURCES ... [DEPENDS ...]): a static library. TORCH makes it see libtorch through
# the shared precompiled header; leave it out wherever it is not needed, since it costs seconds a file.
function(reprise_library name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;DEPENDS" ${ARGN})
  foreach(dependency IN LISTS ARG_DEPENDS)
    if(NOT TARGET ${dependency})  # folders are added in their one direction: what comes later is not there yet
      message(FATAL_ERROR "${name} may not depend on ${dependency}: dependencies point one way")
    endif()
  endforeach()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE reprise_options)
  if(ARG_TORCH)
    reprise_use_torch(${name})
  endif()
endfunction()

function(reprise_use_torch name)
  target_link_libraries(${name} PUBLIC reprise::torch PRIVATE reprise_options)
  if(NOT name STREQUAL "reprise_torch_pch")
    target_compile_options(${name} PRIVATE -fPIC)  # programs too, which CMake gives -fPIE: a PCH serves one of the two
    target_precompile_headers(${name} REUSE_FROM reprise_torch_pch)
  endif()
  if(CMAKE_DISABLE_PRECOMPILE_HEADERS)  # the tidy preset: clang-tidy cannot read GCC's header, so it reads the text
    target_compile_options(${name} PRIVATE -include "${CMAKE_SOURCE_DIR}/cmake/torch_pch.h")
  endif()
endfunction()

if(REPRISE_FUZZ)
  return()
endif()
add_library(reprise_torch_pch STATIC "${CMAKE_SOURCE_DIR}/cmake/torch_pch.cpp")
reprise_use_torch(reprise_torch_pch)
target_precompile_headers(reprise_torch_pch PRIVATE "${CMAKE_SOURCE_DIR}/cmake/torch_pch.h")
