# Read in front of project(): whether clang and its libFuzzer are there, in one line where they are not.
find_program(REPRISE_CLANG clang++)
if(REPRISE_CLANG)
  execute_process(COMMAND ${REPRISE_CLANG} -print-resource-dir OUTPUT_VARIABLE clang_dir OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
if(NOT EXISTS "${clang_dir}/lib/linux/libclang_rt.fuzzer-x86_64.a")
  message(FATAL_ERROR "clang's libFuzzer is not installed: run scripts/setup --fuzz first")
endif()
