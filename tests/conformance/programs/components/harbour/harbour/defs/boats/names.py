import dagster as dg


@dg.template_var
def second_colour() -> str:
    return "white"


@dg.template_var
def shout(context: dg.ComponentLoadContext):
    return lambda text: text.upper()
