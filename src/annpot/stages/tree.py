"""Stages in the order of their descent, for tables."""


def in_order_of_descent(stages):
    """(StageConfig, prefix) of each stage: parents before children, as a drawn tree.

    Args:
        stages: {name: StageConfig}, in the order of the file.

    Returns:
        list; the prefix is what stands before the name, such as "|  +- ".
    """
    children = {}
    for stage in stages.values():
        parent = stage.parent if stage.parent in stages else None
        children.setdefault(parent, []).append(stage)
    rows = []

    def visit(parent, before):
        for stage in children.get(parent, ()):
            is_last = stage is children[parent][-1]
            branch = "" if parent is None else ("└─ " if is_last else "├─ ")
            rows.append((stage, before + branch))
            further = "" if parent is None else ("   " if is_last else "│  ")
            visit(stage.name, before + further)

    visit(None, "")
    return rows


def descent(stages, name):
    """Names of the stages from the base network to stage `name`, that one last."""
    names = []
    while name is not None and name not in names:
        names.append(name)
        name = stages[name].parent
    return names[::-1]
