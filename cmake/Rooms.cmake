# A room is a folder, a static library and a list of the rooms and libraries that it may use. Every .cc file of
# the folder belongs to it: a file cannot be forgotten.

# millrace_room(<target> [USES <rooms and libraries>...])
function(millrace_room target)
  cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PUBLIC ${ARG_USES} PRIVATE millrace_warnings)
endfunction()

# millrace_tests(<name> [LABEL fast|slow] [USES <rooms and libraries>...])
# One test program from every *_test.cc of the folder, run as one ctest entry a file-independent program.
function(millrace_tests name)
  cmake_parse_arguments(ARG "" "LABEL" "USES" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL fast)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(target ${name}_test)
  add_executable(${target} ${sources})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE ${ARG_USES} GTest::gmock GTest::gtest_main millrace_warnings)
  add_test(NAME ${name} COMMAND ${target})
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT 600)
endfunction()
