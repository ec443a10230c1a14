"""What weights are asked that read a prompt."""

PUBLISHED = (
    "Below is the query from the users, please call the correct function and generate the "
    "parameters to call the function.\n\nQuery: {query} \n\nResponse:"
)
"""Of the published Octopus-v2 weights (their model card): the space behind the query is theirs."""
QUERY = "{query}"


def parts(template: str) -> tuple[str, str]:
    """What stands before the sentence and behind it."""
    before, _, after = template.partition(QUERY)
    return before, after
