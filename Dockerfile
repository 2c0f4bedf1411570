# Maestro in one image: `python -m maestro.start` (everything), or `manage.py serve`, `work`,
# `prepare` as parts of many. No build tools and no shell scripts in the last stage, no root,
# nothing written outside /data and /tmp: run it with a read-only root.
FROM python:3.11-slim-bookworm AS wheels
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements-scale.txt requirements-sso.txt /tmp/
RUN /venv/bin/pip install --require-hashes --only-binary :all: \
      -r /tmp/requirements-scale.txt -r /tmp/requirements-sso.txt \
    && /venv/bin/pip uninstall -y pip \
    && /venv/bin/python -m compileall -q /venv

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Maestro" \
      org.opencontainers.image.description="Self-hosted LLM chat for teams, over several vendors"
RUN groupadd --gid 10001 maestro \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data maestro \
    && install -d -o 10001 -g 10001 -m 700 /data
COPY --from=wheels /venv /venv
WORKDIR /app
COPY manage.py LICENSE* ./
COPY deploy/healthcheck.py deploy/healthcheck.py
COPY maestro maestro
COPY providers providers
COPY sessions_app sessions_app
COPY context_app context_app
COPY templates templates
RUN python -m compileall -q .
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=maestro.settings \
    MAESTRO_DATA=/data MAESTRO_LOG_FORMAT=json PORT=8000
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "deploy/healthcheck.py"]
# The supervisor is a fit first process: it adopts orphans and passes signals on. The other
# commands want `--init` (compose.yml says `init: true`).
CMD ["python", "-m", "maestro.start", "--host", "0.0.0.0"]
