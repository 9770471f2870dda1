# reprise_test(NAME [TORCH] SOURCES ... [DEPENDS ...] [TIMEOUT s] [LABELS ...]): one GoogleTest program, one CTest entry.
# mpi_test(NAME RANKS 1 2 4 [TORCH] SOURCES ... [DEPENDS ...]): one program, an entry for every number of ranks, run by
# mpirun. A missing mpirun is an error of the configuration, not a skipped test.
# mpi_failure_test(NAME RANKS n SOURCES ... [DEPENDS ...] MESSAGE regex): a program that must end with an error and
# print the message.

find_package(GTest REQUIRED)
find_program(MPIEXEC_EXECUTABLE NAMES mpirun mpiexec REQUIRED)
set(REPRISE_MPIRUN ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none)
set(REPRISE_MPI_ENVIRONMENT
    "OMP_NUM_THREADS=1;OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_btl=self,vader,tcp")

function(reprise_test_program name)
  cmake_parse_arguments(ARG "TORCH" "TIMEOUT" "SOURCES;DEPENDS;LABELS;RANKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} reprise_options GTest::gmock)
  if(ARG_TORCH)
    reprise_use_torch(${name})
  endif()
endfunction()

function(reprise_test name)
  cmake_parse_arguments(ARG "TORCH" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  reprise_test_program(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
                       ENVIRONMENT "OMP_NUM_THREADS=1")
endfunction()

function(mpi_test name)
  cmake_parse_arguments(ARG "TORCH" "TIMEOUT" "SOURCES;DEPENDS;LABELS;RANKS" ${ARGN})
  reprise_test_program(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE reprise_test_mpi)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  foreach(ranks IN LISTS ARG_RANKS)
    add_test(NAME ${name}.${ranks}_ranks COMMAND ${REPRISE_MPIRUN} -n ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.${ranks}_ranks PROPERTIES
        TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ranks} LABELS "mpi;${ARG_LABELS}"
        ENVIRONMENT "${REPRISE_MPI_ENVIRONMENT}")
  endforeach()
endfunction()

function(mpi_failure_test name)
  cmake_parse_arguments(ARG "" "RANKS;MESSAGE" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} reprise_test_mpi reprise_options)
  add_test(NAME ${name}
           COMMAND ${CMAKE_COMMAND} "-DMESSAGE=${ARG_MESSAGE}" -P ${CMAKE_SOURCE_DIR}/tests/support/expect_failure.cmake
                   -- ${REPRISE_MPIRUN} -n ${ARG_RANKS} $<TARGET_FILE:${name}>)
  set_tests_properties(${name} PROPERTIES TIMEOUT 120 PROCESSORS ${ARG_RANKS} LABELS "mpi"
                       ENVIRONMENT "${REPRISE_MPI_ENVIRONMENT};REPRISE_TEST_PATIENCE_S=5")
endfunction()
