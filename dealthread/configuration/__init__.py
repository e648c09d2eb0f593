"""Reading, checking and watching the files of `config/`. Import from `dealthread.config`."""
