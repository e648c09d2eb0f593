"""Time as billing counts it: conventions, billing periods, their parts and their shares."""
