# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY policykit policykit
COPY policies policies
COPY webhook webhook
RUN python -m venv /opt/policykit \
 && /opt/policykit/bin/pip install --no-cache-dir . ./webhook

FROM python:3.13-slim
COPY --from=build /opt/policykit /opt/policykit
ENV PATH=/opt/policykit/bin:$PATH
WORKDIR /work
USER 10001:10001
# The kubelet probes the webhook by its own ports; the command line ends by itself.
HEALTHCHECK NONE
ENTRYPOINT ["policykit"]
CMD ["check", "--no-cache"]
