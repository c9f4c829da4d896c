# Everything in one image: `docker build -t creator-bonus .`, then `docker run creator-bonus --help`.
FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY . .
# As `make install` does it: uv by its hash in the lock, then all of the lock by its hashes. From the
# cache that this fills the wheel is installed into an environment of its own, without tools of tests.
RUN python -m venv /build \
 && sed -n '/^uv==/,/^    # via/p' requirements.lock | grep -v '# via' > /build/uv.txt \
 && /build/bin/pip install --require-hashes --only-binary :all: -r /build/uv.txt \
 && /build/bin/uv pip install --python /build/bin/python --require-hashes --only-binary :all: -r requirements.lock \
 && /build/bin/python -m hatchling build -t wheel \
 && /build/bin/uv venv --python /usr/local/bin/python /opt/bonus \
 && /build/bin/uv pip install --offline --python /opt/bonus/bin/python --compile-bytecode \
    -c dist/constraints.txt "$(ls /source/dist/creator_bonus-*.whl)[postgres]"

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --create-home bonus && install -d -o bonus -g bonus -m 0700 /var/lib/bonus
COPY --from=build /opt/bonus /opt/bonus
ENV PATH=/opt/bonus/bin:$PATH \
    BONUS_PROGRAM=/data/program.yaml BONUS_LANDING=/data/landing BONUS_HOME=/var/lib/bonus
USER bonus
WORKDIR /home/bonus
VOLUME /var/lib/bonus
ENTRYPOINT ["bonus"]
CMD ["ui"]
