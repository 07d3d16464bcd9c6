"""A server that answers as a test says, for what a real one does only by accident."""

import threading

import msgpack
import zmq


class Scripted:
    """`answer(request, say)` is called in a thread for each request; say(reply fields, id) sends a reply."""

    def __init__(self, answer):
        self.requests = []
        self._answer = answer
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self.address = f"tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._end.set()
        self._thread.join()
        self._socket.close(linger=0)
        self._context.term()

    def _run(self):
        while not self._end.is_set():
            if not self._socket.poll(20):
                continue
            peer, frame = self._socket.recv_multipart()
            request = msgpack.unpackb(frame)
            self.requests.append(request)

            def say(id=request["id"], **fields):
                self._socket.send_multipart([peer, msgpack.packb({"version": 1, "id": id, **fields})])

            self._answer(request, say)
