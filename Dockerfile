# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY policykit policykit
COPY policies policies
RUN python -m venv /opt/policykit \
 && /opt/policykit/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/policykit /opt/policykit
ENV PATH=/opt/policykit/bin:$PATH
WORKDIR /work
USER 10001:10001
ENTRYPOINT ["policykit"]
CMD ["check", "--no-cache"]
