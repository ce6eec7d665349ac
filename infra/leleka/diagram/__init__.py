"""Sequence diagrams of what happened to a booking: its executions' histories in, PlantUML out.

``visits`` reads a history, ``calls`` knows what each state calls, ``scenes`` what the customer and the operator did,
``story`` makes them one diagram (``model``), ``text`` writes it. Only ``runs`` and ``pictures`` talk to a stage.
"""
