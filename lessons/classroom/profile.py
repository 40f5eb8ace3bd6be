"""Which profile is selected; `lesson use` changes it."""


def servers_down() -> str | None:
    """One sentence about the first server of the services profile that doesn't answer; None if all do."""
    import global_config
    from classroom import servers

    for url in global_config.PROFILES["services"].values():
        if why := servers.trouble(url):
            return why
    return None
