# Two stages: the first builds with everything, the second holds the programs and the libraries that they link to.
#
#   docker build -t millrace .
#   docker run -p 127.0.0.1:7400:7400 -p 127.0.0.1:7401:7401 -v millrace-data:/data millrace

FROM debian:12-slim AS build
WORKDIR /src
COPY tools/packages.txt tools/
RUN apt-get update \
 && awk '$1 == "build" { print $2 }' tools/packages.txt | xargs apt-get install -y --no-install-recommends \
 && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DMILLRACE_BUILD_TESTS=OFF \
 && cmake --build --preset release --target millraced millrace millrace-db \
 && strip build/release/bin/millraced build/release/bin/millrace build/release/bin/millrace-db

FROM debian:12-slim
COPY tools/packages.txt /tmp/
RUN apt-get update \
 && awk '$1 == "run" { print $2 }' /tmp/packages.txt | xargs apt-get install -y --no-install-recommends \
 && rm -rf /var/lib/apt/lists/* /tmp/packages.txt \
 && useradd --system --uid 7400 --no-create-home --shell /usr/sbin/nologin millrace \
 && install -d -o millrace -g millrace /data
COPY --from=build /src/build/release/bin/millraced /src/build/release/bin/millrace /src/build/release/bin/millrace-db \
     /usr/local/bin/
USER millrace
VOLUME /data
EXPOSE 7400 7401
# The container's network is the border here: publish the port only where every client may do everything.
ENV MILLRACE_DATA_DIR=/data MILLRACE_LISTEN=0.0.0.0:7400 MILLRACE_METRICS_LISTEN=0.0.0.0:7401 \
    MILLRACE_ALLOW_REMOTE=true
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["millrace", "health", "--server", "127.0.0.1:7400"]
# millraced drains on SIGTERM; it is process 1 itself, so the signal reaches it.
ENTRYPOINT ["millraced"]
