# Every library comes from Debian 12's packages; tools/dev setup installs them.

find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED) # module mode: Debian ships no ProtobufConfig.cmake
find_package(gRPC CONFIG REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(simdjson CONFIG REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(PkgConfig REQUIRED)
# The C++ build of Lua: its errors are C++ exceptions, so destructors run.
pkg_check_modules(LUA54 REQUIRED IMPORTED_TARGET lua5.4-c++)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
# Its own CMake package asks for libraries that only its authors need.
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-pull)
pkg_check_modules(POSTGRESQL REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
if(MILLRACE_TCMALLOC)
  pkg_check_modules(TCMALLOC REQUIRED IMPORTED_TARGET libtcmalloc_minimal)
endif()

# google/rpc/*.proto, which carry error details. Debian's other copy (grpc-gateway) is too old for ErrorInfo.
find_path(GOOGLE_RPC_DIR google/rpc/error_details.proto REQUIRED
          PATHS /usr/share/gocode/src/github.com/gogo/googleapis)

if(MILLRACE_BUILD_TESTS)
  find_package(GTest CONFIG REQUIRED)
endif()
