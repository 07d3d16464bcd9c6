"""A server whose model of tasks.Walk is good enough for its rewards to be redistributed."""

from tasks import Walk, random_episodes

from rudder_bridge import Client


def ready_client(**settings):
    """A client of a private server that has learnt Walk by the specification of these settings."""
    client = Client(timeout=60)
    client.configure(Walk.observation_space, Walk.action_space, **settings)
    client.submit(random_episodes(300))
    for _ in range(30):
        if client.train(updates=100)["ready"]:
            return client
    client.close()
    raise AssertionError("the model does not learn that the first step's reward comes at the end")
