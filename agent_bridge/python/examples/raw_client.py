import msgpack, zmq

socket = zmq.Context().socket(zmq.DEALER)
socket.connect("tcp://127.0.0.1:5555")
episode = {"id": "first", "observations": [0, 1, 2], "actions": [1, 1], "rewards": [0.0, 1.0]}
socket.send(msgpack.packb({"version": 1, "id": 7, "op": "redistribute", "episodes": [episode], "lists": True}))
print(msgpack.unpackb(socket.recv()))
