# The course in a container, for the applications' compose profiles (docker-compose.yml).
FROM python:3.12-slim
WORKDIR /course
RUN useradd --create-home learner && install -d -o learner /home/learner/lessons
COPY pyproject.toml constraints.txt README.md LICENSE global_config.py ./
COPY lessons lessons
RUN pip install --no-cache-dir --constraint constraints.txt --editable '.[apps]'
USER learner
ENV LESSONS_PROFILE=services LESSONS_HOME=/home/learner/lessons PYTHONUNBUFFERED=1
