"""A server whose model of tasks.Walk is good enough for its rewards to be redistributed."""

from tasks import Walk, random_episodes

from rudder_bridge import Client


def ready_client(**settings):
    """A client of a private server that has learnt Walk by the specification of these settings."""
    client = Client(timeout=60)
    client.configure(Walk.observation_space, Walk.action_space, **settings)
    client.pause_training()
    client.submit(random_episodes(200))
    for seed in range(1, 30):
        client.train(updates=200)
        # The gate opens by episodes that the model has not learnt from.
        client.submit(random_episodes(100, seed))
        if client.status()["ready"]:
            return client
    client.close()
    raise AssertionError("the model does not learn that the first step's reward comes at the end")
