"""A server whose model of tasks.Walk is good enough for its rewards to be redistributed."""

from tasks import Walk, random_episodes

from rudder_bridge import Client


def ready_client(observation_space=Walk.observation_space, episodes=random_episodes, **settings):
    """A client of a private server that has learnt Walk by the specification of these settings.

    Where Walk's observations are shown otherwise, `episodes` are such ones as random_episodes gives.
    """
    client = Client(timeout=60)
    client.configure(observation_space, Walk.action_space, **settings)
    client.pause_training()
    client.submit(episodes(200))
    for seed in range(1, 30):
        client.train(updates=200)
        # The gate opens by episodes that the model has not learnt from.
        client.submit(episodes(100, seed))
        if client.status()["ready"]:
            return client
    client.close()
    raise AssertionError("the model does not learn that the first step's reward comes at the end")
