"""Tasks that stood in tasks.py until it grew too long. The worker finds them because `include` names this module."""

from lesson06.tasks import app


@app.task(name="email.send_goodbye")
def send_goodbye(user_id: int) -> str:
    return f"goodbye mail to user {user_id}"


@app.task  # its automatic name was lesson06.tasks.count_users, and moved along: now it is lesson06.moved.count_users
def count_users() -> str:
    return "3 users"
