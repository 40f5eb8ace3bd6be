"""Names and send_task.

You will be able to call a task by its name alone, without its code, and move the code without changing the name.
"""
