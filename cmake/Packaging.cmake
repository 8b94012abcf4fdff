# `cmake --install` puts the programs and what belongs to them under a prefix; CPack makes a Debian package of the same.

include(GNUInstallDirs)
# Installing takes what is built; tests and benchmarks need not be.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

install(TARGETS millraced millrace millrace-db RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY protos/millrace DESTINATION ${CMAKE_INSTALL_DATADIR}/millrace/protos
        FILES_MATCHING PATTERN "*.proto")
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(CODE "set(doc_folder \"${CMAKE_INSTALL_DOCDIR}\")
  set(proto_folder \"${CMAKE_INSTALL_DATADIR}/millrace/protos\")")
install(SCRIPT cmake/InstalledLinks.cmake)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(DIRECTORY services/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES packaging/millraced.service DESTINATION lib/systemd/system)

# Configuration of what is installed in /usr belongs into /etc, and otherwise under the prefix. The completion scripts
# come from the program itself.
set(CONFIG_SOURCE ${PROJECT_SOURCE_DIR}/packaging/millraced.toml)
install(CODE "
  if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
    set(folder /etc/millrace)
  else()
    set(folder \"\${CMAKE_INSTALL_PREFIX}/etc/millrace\")
  endif()
  file(INSTALL DESTINATION \"\${folder}\" TYPE FILE FILES \"${CONFIG_SOURCE}\")")
foreach(completion IN ITEMS
        "bash share/bash-completion/completions millrace"
        "zsh share/zsh/vendor-completions _millrace"
        "fish share/fish/vendor_completions.d millrace.fish")
  separate_arguments(parts UNIX_COMMAND ${completion})
  list(GET parts 0 shell)
  list(GET parts 1 folder)
  list(GET parts 2 name)
  set(file ${CMAKE_BINARY_DIR}/completion/${name})
  install(CODE "
    file(MAKE_DIRECTORY \"${CMAKE_BINARY_DIR}/completion\")
    execute_process(COMMAND \"$<TARGET_FILE:millrace>\" completion ${shell} OUTPUT_FILE \"${file}\"
                    COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES ${file} DESTINATION ${folder})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME millrace)
set(CPACK_PACKAGE_VENDOR Millrace)
set(CPACK_PACKAGE_CONTACT "Millrace <packages@millrace.dev>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Durable batch service: records through services, each accounted for")
set(CPACK_PACKAGE_DESCRIPTION "Millrace runs records through versioned services, durably, on a machine of your own.
 This package has the server millraced with its systemd unit, the command line
 client millrace, and millrace-db for data folders and backups.")
set(CPACK_DEBIAN_PACKAGE_SECTION misc)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Time zones of schedules, and whom webhooks of https may trust.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "tzdata, ca-certificates")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
# Absolute folders, /etc, go under the root of the package.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
file(WRITE ${CMAKE_BINARY_DIR}/packaging/conffiles "/etc/millrace/millraced.toml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/postinst
    ${PROJECT_SOURCE_DIR}/packaging/prerm
    ${CMAKE_BINARY_DIR}/packaging/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
