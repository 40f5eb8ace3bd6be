"""check_all_of_it_goes_to_the_bakerys_worker: The ovens' messages go to a queue that no worker of the bakery reads."""


@app.task(queue="ovens")
def light_oven(side: str) -> str:
    return f"{side} oven lit"
